"""What is measured and how; `make bench` runs it and writes docs/benchmarks.md."""
