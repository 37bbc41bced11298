package cloud

import (
	"bytes"
	"regexp"
)

// certificateNote is what stands above a certificate that aws setup has fetched: a certificate itself does not say
// where it is known, and it is in one region only (AWS IoT, X.509 client certificates).
var certificateNote = regexp.MustCompile(`(?m)^# arn:[a-z-]+:iot:([a-z0-9-]+):[0-9]{12}:cert/[0-9a-f]+$`)

// NoteCertificate returns the text of a certificate with its ARN above, which readers of PEM pass over. An ARN that is
// none is left out.
func NoteCertificate(arn string, text []byte) []byte {
	note := []byte("# " + arn)
	if !certificateNote.Match(note) {
		return text
	}
	return append(append(note, '\n'), text...)
}

// CertificateRegion is the region that the note above a certificate names, "" if there is no note.
func CertificateRegion(text []byte) string {
	note, _, _ := bytes.Cut(text, []byte("-----BEGIN"))
	if m := certificateNote.FindSubmatch(note); m != nil {
		return string(m[1])
	}
	return ""
}
