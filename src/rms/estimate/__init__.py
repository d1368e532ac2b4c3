"""What a run will take in requests, tokens and money, before it is begun."""
