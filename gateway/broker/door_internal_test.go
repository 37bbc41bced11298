package broker

import (
	"log/slog"
	"testing"

	"piway/shared/guard"
	"piway/shared/tell"
)

// TestDoor_Close_leavesTheLibraryOut: the library's way of closing clients can hang, see Close.
func TestDoor_Close_leavesTheLibraryOut(t *testing.T) {
	g, err := guard.Listen(t.Context(), "127.0.0.1:0", guard.Options{Log: tell.New(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{b: &Broker{guard: g}}
	d.Close(func(string) { t.Error("the library's function was called") })
}
