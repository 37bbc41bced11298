package main

import "testing"

// What the start needed of the program file is mapped no longer, and all goes on.
func TestUnmapProgram(t *testing.T) {
	mapped := func() (kB int) {
		for _, m := range mappings() {
			if m.isProgram() {
				kB += m.resident
			}
		}
		return kB
	}
	before := mapped()
	unmapProgram()
	if after := mapped(); after == 0 || after >= before {
		t.Errorf("%d kB are mapped, and were %d before", after, before)
	}
}
