"""One small file of data per SDK: where it sends requests, where the numbers are."""
