# mk/run.mk - starting the machine: the demonstration, the debugger, the bench.

.PHONY: run debug bench

# On a terminal: the demonstration, then the console. Elsewhere: the demonstration and a verdict.
run: $(KERNEL) drivers
	@tools/demo

debug: $(KERNEL) $(ARCHIVE)
	@tools/debug

bench: $(KERNEL) drivers $(BENCH_FILES)
	@tests/bench/run
