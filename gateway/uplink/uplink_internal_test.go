package uplink

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func quotas() Config {
	return Config{
		PublishesPerSecond: MaxPublishes, BytesPerSecond: MaxBytes, ConnectInterval: 11 * time.Second,
		MaxBackoff: time.Minute,
		Log:        slog.New(slog.DiscardHandler),
	}
}

func TestUplink_await_spacesConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := New(quotas(), nil)
		start := time.Now()
		if err := u.await(t.Context()); err != nil || !time.Now().Equal(start) {
			t.Fatalf("the first connect waits %v, err %v", time.Since(start), err)
		}
		least := []time.Duration{11, 22, 44, 60, 60}
		for i, want := range least {
			u.dialled = time.Now()
			time.Sleep(5 * time.Second) // of a connection that lasted that long
			if err := u.await(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(u.dialled); got < want*time.Second || got > want*time.Second*3/2 {
				t.Errorf("connect %d came %v after the last, want %d s to half more", i+1, got, want)
			}
		}
		u.retry.Reset()
		u.dialled = time.Now()
		if err := u.await(t.Context()); err != nil || time.Since(u.dialled) < 11*time.Second ||
			time.Since(u.dialled) > 17*time.Second {
			t.Errorf("after a success: waited %v, err %v", time.Since(u.dialled), err)
		}
		u.dialled = time.Now()
		time.Sleep(time.Hour)
		before := time.Now()
		if err := u.await(t.Context()); err != nil || !time.Now().Equal(before) {
			t.Errorf("after a long connection: waited %v, err %v", time.Since(before), err)
		}
	})
}

// While the uplink waits before a connect its beat is in the future, by as much as is left; after that it grows.
func TestUplink_Beat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := New(quotas(), nil)
		time.Sleep(time.Hour)
		if got := u.Beat(); got != time.Hour {
			t.Errorf("an hour after New: got %s", got)
		}
		u.dialled = time.Now()
		ended := make(chan error, 1)
		go func() { ended <- u.await(t.Context()) }()
		synctest.Wait()
		if got := u.Beat(); got > -11*time.Second || got < -17*time.Second {
			t.Errorf("before a connect: got %s, want the wait of 11 s to half more, negative", got)
		}
		time.Sleep(5 * time.Second)
		if got := u.Beat(); got > -6*time.Second || got < -12*time.Second {
			t.Errorf("5 s later: got %s", got)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if got := u.Beat(); got != 0 {
			t.Errorf("at the connect: got %s, want 0", got)
		}
	})
}

func TestUplink_await_endsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := New(quotas(), nil)
		u.dialled = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := u.await(ctx); err == nil || time.Since(u.dialled) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(u.dialled))
		}
	})
}

// In every interval of one second, also after a rest in which the buckets have filled up.
func TestNew_limitersKeepTheQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := New(quotas(), nil)
		type sent struct {
			at    time.Time
			bytes int
		}
		var all []sent
		for i := range 1000 {
			if i == 400 {
				time.Sleep(time.Minute)
			}
			size := 100
			if i%3 == 0 {
				size = MaxPayload / 2
			}
			if err := u.publish.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := u.bytes.WaitN(t.Context(), size); err != nil {
				t.Fatal(err)
			}
			all = append(all, sent{time.Now(), size})
		}
		for i := range all {
			n, bytes := 0, 0
			for _, s := range all[i:] {
				if s.at.Sub(all[i].at) >= time.Second {
					break
				}
				n++
				bytes += s.bytes
			}
			if n > MaxPublishes || bytes > MaxBytes {
				t.Fatalf("got %d messages of %d bytes in a second, want %d of %d at most", n, bytes, MaxPublishes, MaxBytes)
			}
		}
	})
}
