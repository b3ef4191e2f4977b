module blocks

go 1.22

require (
	github.com/go-kit/log v0.2.1
	github.com/prometheus/prometheus v0.42.0 // Debian 12's
)
