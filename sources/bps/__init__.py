"""The WebAPI of BPS (webapi.bps.go.id): requests, answers kept as they came, and their decoding."""
