"""Elections built in memory with every secret at hand, and the files that their boards are published as.

election            Election: everybody's keys and acts, one method each; the entries and the published files
people, manifests   who takes part, and under which manifest
entry_examples      one valid entry of every kind
files, places       the files of a board, and boards of them in memory or in a folder
evidence            files of evidence, right or forged: boards that signed two histories
"""
