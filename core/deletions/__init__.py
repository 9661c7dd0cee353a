"""Delete requests permanently, with receipts."""
