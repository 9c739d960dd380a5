# mk/conformance.mk - the conformance suite: its drivers, its INFs, its run, its table.
#
#   tests/conformance/<group>/*.c + common/*.c -> build/conformance/<group>.sys
#   tests/conformance/{suite,*/runs}.toml      -> build/conformance/<group>-<variant>.inf
#
# A group with a file `msvc` (one line: why) is compiled by clang for MSVC's C, against include/nt.
#
# A folder with an INF of its own is a driver by itself, and mk/drivers.mk builds it.

CONFORMANCE_SOURCE := tests/conformance
SUITES := $(filter-out common $(CONFORMANCE),$(call driver_names,$(CONFORMANCE_SOURCE)))
SUITE_COMMON := $(patsubst $(CONFORMANCE_SOURCE)/common/%.c,$(B)/conformance/obj/common/%.o,\
	$(wildcard $(CONFORMANCE_SOURCE)/common/*.c))
# GCC takes what intrin.h reads relative to GS for a null pointer.
SUITE_HEADERS := -Wno-array-bounds -isystem $(MINGW_DDK) -I$(CONFORMANCE_SOURCE)/common -Ilib/iointex

$(B)/conformance/obj/common/%.o: $(CONFORMANCE_SOURCE)/common/%.c $(B)/flags.driver
	$(call say,CC.SYS,$<)
	@mkdir -p $(@D)
	$(Q)$(MINGW_CC) $(SUITE_HEADERS) $(DRIVER_CFLAGS) -MMD -MP -c -o $@ $<

suite_compiler = $(if $(wildcard $(CONFORMANCE_SOURCE)/$(1)/msvc),$(MSVC_CC) $(MSVC_CFLAGS) \
	-I$(CONFORMANCE_SOURCE)/common,\
	$(MINGW_CC) $(SUITE_HEADERS) $(DRIVER_CFLAGS))

define suite_rules
$(B)/conformance/obj/$(1)/%.o: $(CONFORMANCE_SOURCE)/$(1)/%.c $(B)/flags.driver
	$$(call say,CC.SYS,$$<)
	@mkdir -p $$(@D)
	$$(Q)$(call suite_compiler,$(1)) -MMD -MP -c -o $$@ $$<

$(B)/conformance/$(1).sys: $(patsubst $(CONFORMANCE_SOURCE)/%.c,$(B)/conformance/obj/%.o,\
	$(wildcard $(CONFORMANCE_SOURCE)/$(1)/*.c)) $(SUITE_COMMON) $(IMPORT_LIBS)
	$$(call say,SYS,$$@)
	$$(Q)$$(MINGW_CC) $$(DRIVER_LDFLAGS) -o $$@.debug $$(filter %.o,$$^) $$(DRIVER_LIBS)
	$$(Q)$$(MINGW_STRIP) -o $$@.part $$@.debug && mv $$@.part $$@
endef
$(foreach n,$(SUITES),$(eval $(call suite_rules,$(n))))

-include $(SUITE_COMMON:.o=.d) $(foreach n,$(SUITES),$(wildcard $(B)/conformance/obj/$(n)/*.d))

$(B)/conformance/infs: $(CONFORMANCE_SOURCE)/suite.toml tools/conformance-inf \
		$(wildcard $(CONFORMANCE_SOURCE)/*/runs.toml)
	$(call say,INF,$(B)/conformance/*.inf)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/conformance-inf $(@D) $(SUITES) && touch $@

SUITE_FILES := $(addprefix $(B)/conformance/,$(addsuffix .sys,$(SUITES)) infs)

.PHONY: conformance conformance-drivers
conformance-drivers: $(CONFORMANCE_FILES) $(SUITE_FILES) $(VERIFIER_FILES)

# All groups, then the table of rules; fails if a rule has neither a test nor a reason.
conformance: $(KERNEL) conformance-drivers
	@rm -rf $(B)/conformance/results
	@tools/run-tests guest -k conformance; status=$$?; \
		tools/conformance-table && tools/documented --results && exit $$status
