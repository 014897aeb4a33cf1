"""Any other provider, by Standard Webhooks and our own words."""
