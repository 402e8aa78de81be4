"""The recount at full scale: boards of up to 2,021,968 ballots made by test equipment, and what verifying them costs."""
