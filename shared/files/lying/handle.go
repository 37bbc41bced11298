package lying

import "errors"

// A Handle is a file that is open. It is for those who do the work themselves: it asks, lets them, and notes what they
// did.
type Handle struct {
	d    *Disk
	n    *node
	path string
	life int
}

// Attach is to be called after the file at path was opened by other means, for which Ask allowed it.
func (d *Disk) Attach(path string) (h *Handle, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, ErrKilled
	}
	return d.attach(path)
}

func (d *Disk) attach(path string) (*Handle, error) {
	dir, where, name, err := d.folderOf(path)
	if err != nil {
		return nil, err
	}
	if err := d.look(dir, where, name); err != nil {
		return nil, err
	}
	n := dir.now[name]
	if n == nil || n.isFolder() {
		return nil, errors.New("it is no file")
	}
	n.users++
	return &Handle{d: d, n: n, path: path, life: d.life}, nil
}

// Ask returns the error that the operation is to fail with.
func (d *Disk) Ask(op Op) error {
	return d.do(op, func(fail error) error { return fail })
}

// do is Disk.do for an open file.
func (h *Handle) do(op Op, f func(fail error) error) error {
	op.Path = h.path
	return h.d.do(op, func(fail error) error {
		if h.life != h.d.life {
			return ErrKilled
		}
		return f(fail)
	})
}

// Read asks for a read.
func (h *Handle) Read(offset, length int64) error {
	return h.do(Op{Kind: Read, Offset: offset, Length: length}, func(fail error) error { return fail })
}

// Write asks for a write and calls write with the length that is to be written, which is less where it is to fail
// after a part, and which may be 0. write must write all of that or return an error.
func (h *Handle) Write(offset, length int64, write func(length int64) error) error {
	return h.do(Op{Kind: Write, Offset: offset, Length: length}, func(fail error) error {
		if short := (*Short)(nil); errors.As(fail, &short) {
			length = min(short.N, length)
		} else if fail != nil {
			length = 0
		}
		if length == 0 {
			return fail
		}
		if err := h.n.load(); err != nil {
			return err
		}
		if err := write(length); err != nil {
			return err
		}
		h.n.wrote(offset, offset+length, h.d.Block)
		return fail
	})
}

// Truncate asks for a new size and calls truncate to set it.
func (h *Handle) Truncate(size int64, truncate func() error) error {
	return h.do(Op{Kind: Truncate, Offset: size}, func(fail error) error {
		if fail != nil {
			return fail
		}
		return h.truncate(size, truncate)
	})
}

func (h *Handle) truncate(size int64, truncate func() error) error {
	if err := h.n.load(); err != nil {
		return err
	}
	if err := truncate(); err != nil {
		return err
	}
	h.n.truncated(size)
	return nil
}

// Sync makes the file durable, or fails and forgets what was to become it.
func (h *Handle) Sync() error {
	return h.do(Op{Kind: Sync}, func(fail error) error {
		if fail == nil {
			return h.n.synced()
		}
		var wrote func(int64) bool
		if partly := (*Partly)(nil); errors.As(fail, &partly) {
			wrote = partly.Wrote
		}
		return errors.Join(fail, h.n.failed(wrote))
	})
}

// Close ends the use of the handle.
func (h *Handle) Close() {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	h.n.users--
}
