"""The recount at full scale: boards of up to 2,021,968 ballots from test equipment, and what verifying them costs."""
