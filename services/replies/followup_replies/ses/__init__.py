"""Amazon SES by way of SNS: states of letters, and letters that a receipt rule publishes."""
