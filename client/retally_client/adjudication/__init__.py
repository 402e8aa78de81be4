"""The adjudicator's part: what a file of evidence proves, offline (docs/spec, page 11)."""
