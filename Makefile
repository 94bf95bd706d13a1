# `make demo` shows the product at work, `make run` starts a resident agent, `make test` runs every test.
# Each installs the system packages it needs when they are missing, and says so.

SUPPORT := Tests/Support
BUILD := swift build -c release

.PHONY: demo run test bench format lint build clean

build:
	@$(SUPPORT)/install-system-packages build
	@$(BUILD) --product dsmp
	@$(BUILD) --product dsmp-jail

demo:
	@$(SUPPORT)/install-system-packages demo
	@$(SUPPORT)/build-product
	@$(SUPPORT)/demo

run:
	@$(SUPPORT)/install-system-packages build
	@$(SUPPORT)/build-product
	@.build/release/dsmp agent run

test:
	@$(SUPPORT)/install-system-packages test
	@$(SUPPORT)/run-tests

bench:
	@$(SUPPORT)/install-system-packages test
	@$(SUPPORT)/run-benchmarks

format:
	@git ls-files -z '*.swift' ':!:*.pb.swift' | xargs -0 swift format -i

lint:
	@$(SUPPORT)/lint

clean:
	@rm -rf .build .build-*
