import pyarrow as pa
import pytest

from avfake.files import atomic_file, atomic_write_bytes, read_parquet, sha256_file, write_json, write_parquet


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "deep" / "file"
    atomic_write_bytes(path, b"old")

    def fail_half_way() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_files_are_as_readable_as_others(tmp_path):
    atomic_write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"auc": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_parquet_bytes_follow_from_the_table(tmp_path):
    table = pa.table({"name": ["a", "b"], "data": [b"1", None]})
    for name in ("one", "two"):
        write_parquet(table, tmp_path / name)
    assert sha256_file(tmp_path / "one") == sha256_file(tmp_path / "two")
    assert read_parquet(tmp_path / "one", ["data"]).to_pydict() == {"data": [b"1", None]}
