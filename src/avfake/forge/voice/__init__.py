"""Speech taken apart and put together again, as pure functions of samples."""
