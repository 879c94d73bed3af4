"""Scores over HTTP: `avfake serve`. Needs the extra `serve`; docs/service.md, docs/security.md."""
