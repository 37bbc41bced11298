package vm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// The protocol is NBD, fixed newstyle handshake and simple replies:
// https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
const (
	nbdMagic        = 0x4e42444d41474943 // NBDMAGIC
	nbdOptionMagic  = 0x49484156454f5054 // IHAVEOPT
	nbdReplyMagic   = 0x3e889045565a9
	nbdRequestMagic = 0x25609513
	nbdSimpleMagic  = 0x67446698

	nbdFixedNewstyle = 1
	nbdNoZeroes      = 2

	nbdOptExport = 1
	nbdOptAbort  = 2
	nbdOptGo     = 7

	nbdAck         = 1
	nbdInfo        = 3
	nbdUnsupported = 1<<31 | 1

	// The export has flags, and takes FLUSH and FUA.
	nbdExportFlags = 1 | 4 | 8

	nbdRead, nbdWrite, nbdDisconnect, nbdFlush = 0, 1, 2, 3
	nbdFUA                                     = 1

	nbdEIO = 5

	// nbdMost bounds a request and an option, as the protocol advises.
	nbdMost = 32 << 20
)

// A diskServer lets one virtual machine after the other have the disk, over a Unix socket.
type diskServer struct {
	disk     *disk
	listener net.Listener
	log      io.Writer

	mu   sync.Mutex // guards conn
	conn net.Conn
	all  sync.WaitGroup
}

// serveDisk serves until close.
func serveDisk(socket string, d *disk, log io.Writer) (*diskServer, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, err
	}
	s := &diskServer{disk: d, listener: l, log: log}
	s.all.Go(s.accept)
	return s, nil
}

func (s *diskServer) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		s.conn = c
		s.mu.Unlock()
		err = s.serve(c)
		_ = c.Close() // the other side may have
		if err != nil && !errors.Is(err, io.EOF) {
			_, _ = fmt.Fprintf(s.log, "disk: %v\n", err) // for who looks on
		}
	}
}

// close ends serving. A machine that still has the disk loses it.
func (s *diskServer) close() {
	_ = s.listener.Close() // nobody is left to tell
	s.mu.Lock()
	if s.conn != nil {
		_ = s.conn.Close() // it may be closed
	}
	s.mu.Unlock()
	s.all.Wait()
}

func (s *diskServer) serve(c net.Conn) error {
	in := bufio.NewReader(c)
	if err := s.handshake(in, c); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	for {
		again, err := s.request(in, c)
		if err != nil || !again {
			return err
		}
	}
}

// pack returns the values in the order of the network, one behind the other.
func pack(values ...any) (out []byte) {
	for _, v := range values {
		switch v := v.(type) {
		case uint16:
			out = binary.BigEndian.AppendUint16(out, v)
		case uint32:
			out = binary.BigEndian.AppendUint32(out, v)
		case uint64:
			out = binary.BigEndian.AppendUint64(out, v)
		}
	}
	return out
}

// handshake answers options until the client has chosen the export, whatever its name.
func (s *diskServer) handshake(in io.Reader, out io.Writer) error {
	if _, err := out.Write(pack(uint64(nbdMagic), uint64(nbdOptionMagic),
		uint16(nbdFixedNewstyle|nbdNoZeroes))); err != nil {
		return err
	}
	var flags uint32
	if err := binary.Read(in, binary.BigEndian, &flags); err != nil {
		return err
	}
	for {
		var head struct {
			Magic       uint64
			Option, Len uint32
		}
		if err := binary.Read(in, binary.BigEndian, &head); err != nil {
			return err
		}
		if head.Magic != nbdOptionMagic || head.Len > nbdMost {
			return fmt.Errorf("option %d of %d bytes with magic %#x", head.Option, head.Len, head.Magic)
		}
		if _, err := io.CopyN(io.Discard, in, int64(head.Len)); err != nil {
			return err
		}
		if done, err := s.option(out, head.Option, flags); err != nil || done {
			return err
		}
	}
}

// option answers one; done means that the export is chosen.
func (s *diskServer) option(out io.Writer, option, flags uint32) (done bool, err error) {
	export := pack(uint64(s.disk.size), uint16(nbdExportFlags)) //nolint:gosec // a size is not negative
	reply := func(kind uint32, data []byte) []byte {
		return append(pack(uint64(nbdReplyMagic), option, kind, uint32(len(data))), data...) //nolint:gosec // some bytes
	}
	switch option {
	case nbdOptExport:
		if flags&nbdNoZeroes == 0 {
			export = append(export, make([]byte, 124)...)
		}
		_, err = out.Write(export)
		return true, err
	case nbdOptGo:
		_, err = out.Write(append(reply(nbdInfo, append(pack(uint16(0)), export...)), reply(nbdAck, nil)...))
		return true, err
	case nbdOptAbort:
		_, _ = out.Write(reply(nbdAck, nil)) // it is gone
		return false, io.EOF
	}
	_, err = out.Write(reply(nbdUnsupported, nil))
	return false, err
}

// An nbdRequest is the head of one.
type nbdRequest struct {
	Magic          uint32
	Flags, Type    uint16
	Handle, Offset uint64
	Len            uint32
}

// request answers one; again is false when the client says good-bye.
func (s *diskServer) request(in io.Reader, out io.Writer) (again bool, err error) {
	var r nbdRequest
	if err := binary.Read(in, binary.BigEndian, &r); err != nil {
		return false, err
	}
	if r.Magic != nbdRequestMagic || r.Len > nbdMost {
		return false, fmt.Errorf("request %d of %d bytes with magic %#x", r.Type, r.Len, r.Magic)
	}
	if r.Type == nbdDisconnect {
		return false, nil
	}
	var written []byte
	if r.Type == nbdWrite {
		written = make([]byte, r.Len)
		if _, err := io.ReadFull(in, written); err != nil {
			return false, err
		}
	}
	var code uint32
	data, err := s.do(r, written)
	if err != nil {
		code, data = nbdEIO, nil
		if !errors.Is(err, errWrite) {
			_, _ = fmt.Fprintf(s.log, "disk: %v\n", err) // for who looks on
		}
	}
	_, err = out.Write(append(pack(uint32(nbdSimpleMagic), code, r.Handle), data...))
	return true, err
}

// do does what a request asks for, and returns what was read.
func (s *diskServer) do(r nbdRequest, written []byte) (read []byte, err error) {
	at := int64(r.Offset) //nolint:gosec // the disk looks at it
	switch r.Type {
	case nbdRead:
		read = make([]byte, r.Len)
		_, err = s.disk.ReadAt(read, at)
		return read, err
	case nbdWrite:
		if _, err = s.disk.WriteAt(written, at); err == nil && r.Flags&nbdFUA != 0 {
			err = s.disk.flush()
		}
		return nil, err
	case nbdFlush:
		return nil, s.disk.flush()
	}
	return nil, fmt.Errorf("request %d is not known", r.Type)
}
