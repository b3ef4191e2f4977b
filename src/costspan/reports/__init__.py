"""Reports on spend from a ledger: usage, exports, advice on saving, reconciliation with a bill."""
