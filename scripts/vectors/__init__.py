"""How the vectors of docs/spec/vectors are made; `scripts/make_vectors.py` writes them."""
