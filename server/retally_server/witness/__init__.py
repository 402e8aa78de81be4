"""A witness (C2SP tlog-witness): it cosigns a log's checkpoint only if the log did nothing but grow since the last one.

A party, an observer or another authority runs it, on a machine that is not the board operator's. It trusts the log for
nothing: it keeps one checkpoint per log, asks for a proof of consistency with it, stores the new one, and only then
answers with its cosignature. It shares no state with the ballot server of the same distribution.
"""
