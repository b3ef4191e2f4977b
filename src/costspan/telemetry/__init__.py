"""Tells OpenTelemetry about calls: spans, metrics, accounting events, other tools' names."""
