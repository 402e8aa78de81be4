"""What the operator runs and watches: the command, the doctor, readiness, metrics."""
