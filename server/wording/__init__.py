"""What is said, in whole sentences: of a prediction, of a problem, of an answer."""
