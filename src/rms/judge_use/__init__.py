"""What is done with a judge once it is fine-tuned: verdicts on files of queries, and its place on the Hub."""
