"""The ledger's JSON API: what the page shows and what scripts ask, over HTTP."""
