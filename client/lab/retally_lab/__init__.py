"""Elections for seeing and trying: the re-enactment of published totals (`demo`) and a small live election (`serve`).

Here one program plays every role, which no real election does. Everything built on the figures of 2021 is labelled
"synthetic re-enactment of published totals".
"""
