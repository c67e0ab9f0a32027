"""The texts of the errors of the pytest plugin, which are pytest's own."""

INVALID = "{where}: invalid {name} {chosen!r}: expected {values}"
ONLY_ONE = "{places}: give only one of {names}"
CLOCK = "invalid clock {chosen!r}: {reason}"
FAILURE = (
    "--flowdock-sweep: unknown failure {name!r}: expected all or some of {known}"
    " (without a value, write --flowdock-sweep after the files)"
)
WITH_PDB = "--flowdock-sweep and --pdb cannot be combined: the sweep makes tests fail on purpose"
UPDATE_ALONE = "--flowdock-sweep-update requires --flowdock-sweep-baseline FILE"
UNREADABLE = "--flowdock-sweep-baseline: cannot read {file}: {reason}{hint}"
WRITES_IT = " (--flowdock-sweep-update writes it)"
BASELINE = "--flowdock-sweep-baseline: {reason}"
UNWRITABLE = "--{option}: cannot write to {file}"
