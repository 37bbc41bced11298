package sample

import (
	"bytes"
	"errors"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"piway/shared/sample/scan"
)

// A reader decodes one text after the other. json.Unmarshal would look for its decoder and its way to the method for
// each, which takes longer than a short sample.
type reader struct {
	dec jsontext.Decoder
	in  bytes.Buffer
}

var readers = sync.Pool{New: func() any { return &reader{} }}

func newReader() *reader { return readers.Get().(*reader) }

// release gives the reader back, without the text.
func (r *reader) release() {
	r.in = bytes.Buffer{}
	r.dec.Reset(&r.in)
	readers.Put(r)
}

// errNothing is of a text of white space.
var errNothing = errors.New("nothing")

// read reads the object that is all of the text. After an error to holds what came before it.
func (r *reader) read(text []byte, to json.UnmarshalerFrom) error {
	if err := scan.CheckDepth(text); err != nil {
		return err
	}
	if scan.Blank(text) {
		return errNothing // the library would take long to say so
	}
	r.in = *bytes.NewBuffer(text)
	r.dec.Reset(&r.in)
	err := to.UnmarshalJSONFrom(&r.dec)
	if err == nil && scan.Blank(r.dec.UnreadBuffer()) {
		return nil
	}
	var v jsontext.Value
	if err := json.Unmarshal(text, &v); err != nil {
		return err // which says where
	}
	return err
}
