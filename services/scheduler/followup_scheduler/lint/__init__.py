"""What is wrong with a sequence before it runs: rules over documents, and their findings. Pure."""
