"""Elections for seeing, trying and attacking: here one program plays every role, which no real election does.

    demo, serve             the re-enactment of published totals, and a small live election (`cli`, `commands`)
    boards                  elections built in memory with every secret at hand, and their boards as files
    attacks                 for every check what an adversary could publish that fails exactly it
    server_process          a real ballot server on loopback; postgresql_cluster: a database for one

Everything built on the figures of 2021 is labelled "synthetic re-enactment of published totals". Nothing that an
election needs imports this package; tests, benchmarks and scripts do.
"""
