"""Exit codes of every command: 0 done (or PASS), 1 refused (or FAIL), 2 incomplete, 3 could not run."""

DONE, REFUSED, INCOMPLETE, COULD_NOT_RUN = 0, 1, 2, 3
