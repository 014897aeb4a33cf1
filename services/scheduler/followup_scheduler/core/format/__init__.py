"""What a sequence document is made of, one noun a module: shapes and what they forbid."""
