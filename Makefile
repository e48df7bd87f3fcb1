# `make test` installs what is missing first, then runs everything.
SHELL := /bin/bash
CARGO ?= cargo
export PORTOLAN_CORPORA ?= $(abspath ../shared/corpora)
export PORTOLAN_STANDARDS_SOURCE ?= $(abspath ../shared/standards)

export SKIP ?=

.PHONY: test demo install peers postgres valgrind format lint unit instructions bench bench-as2 bench-service bench-sftp build fuzz oracles as2-matrix as2-interop as2-large sftp-large faults deny generated

## test: everything that must hold before a change lands. SKIP=postgres leaves out what needs a PostgreSQL server,
## SKIP=valgrind the count of instructions.
test: install peers postgres valgrind format lint unit instructions
	@deploy/closing-line $(abspath target/test.log)

install:
	@deploy/install

peers:
	@deploy/install peers

postgres:
	@deploy/install postgres

valgrind:
	@deploy/install valgrind

format:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --locked --all-targets -- -D warnings

unit:
	@mkdir -p target
	set -o pipefail; CARGO="$(CARGO)" deploy/unit 2>&1 | tee target/test.log

## instructions: instructions per input byte, counted by callgrind, against the limits in benches/speed/limits.tsv.
instructions:
	@if [[ " $(SKIP) " =~ [,\ ]valgrind[,\ ] ]]; then :; else \
		$(CARGO) --config benches/speed/gate.toml test --locked --no-default-features --bench speed -- --gate; fi

## bench: how fast, as ratios to named baselines; some minutes and 1 GB of memory. BENCH=--quick leaves the batches out.
bench: install
	$(CARGO) bench --locked --bench speed -- $(BENCH)

## bench-as2: messages of AS2, and the service that takes them, beside the bare primitives; beside pyas2lib too where
## `make as2-interop` has put it. BENCH=--service is the service alone.
bench-as2: install
	$(CARGO) bench --locked --bench as2 -- $(BENCH)

## bench-service: the whole service beside its disk and its database, SQLite and PostgreSQL; some minutes.
bench-service: install postgres
	$(CARGO) bench --locked --bench service -- $(BENCH)

## bench-sftp: the SFTP server beside OpenSSH's, in seconds of the server's processor; wants openssh-server; some minutes.
bench-sftp: install
	$(CARGO) bench --locked --bench sftp -- $(BENCH)

## demo: a retailer, a supplier and Portolan between them; ONCE=1 ends when all is done and says whether it went well.
demo: install
	$(CARGO) build --locked
	@target/debug/portolan demo $(if $(filter 1,$(ONCE)),--once)

## build: the release binary, complete in itself.
build: install
	$(CARGO) build --release --locked

## generated: rewrite every generated page and example after reading the difference.
generated:
	UPDATE=1 CARGO="$(CARGO)" deploy/unit

## fuzz: coverage-guided, endless unless SECONDS_EACH is set; needs a nightly toolchain and cargo-fuzz.
fuzz:
	cd fuzz && for target in x12 edifact identify as2; do $(CARGO) +nightly fuzz run $$target -- -max_total_time=$${SECONDS_EACH:-60} || exit 1; done

## oracles: what readers of other houses say of what we encode, into docs/ORACLES.md; some minutes and 5 GB of memory.
oracles:
	oracles/run

## as2-matrix: the rows that products of AS2 are certified by, and some of our own, each with its tests and what came of them.
as2-matrix: install
	python3 interop/matrix.py tests/as2/matrix.tsv

## as2-interop: AS2 both ways with implementations of other houses, into docs/AS2-INTEROP.md; some minutes.
as2-interop:
	interop/run

## as2-large: a message of 10 GiB in, and one out, and what memory that took; LARGE_MB=2048 for smaller ones. Some ten minutes and
## three times that size of disk.
as2-large: install
	PORTOLAN_AS2_LARGE_MB=$${LARGE_MB:-10240} $(CARGO) test --locked --test service -- --nocapture as2_large

## sftp-large: mailboxes with a gigabyte in and out, and with ten thousand tiny files; minutes and 4 GB of disk.
sftp-large: install
	$(CARGO) test --locked --test service -- --ignored --nocapture --test-threads 1 sftp::many

## faults: every scenario of docs/FAULTS.md by name, the long ones too, and what came of each; half an hour and 4 GB of disk.
faults: install peers postgres
	deploy/faults

## deny: licences, sources and bans of the dependencies; needs cargo-deny.
deny:
	$(CARGO) deny check licenses bans sources
