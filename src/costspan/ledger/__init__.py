"""Where spend is kept: OTLP in, an embedded store (or ClickHouse), and the questions asked of both."""
