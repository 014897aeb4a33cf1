"""What lead forms and ad platforms send, read to the fields of a lead; a module a vendor."""
