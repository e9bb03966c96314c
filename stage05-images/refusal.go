package images

import "fmt"

// The codes of the distribution specification for a registry's no, with which
// it answers by HTTP as well.
const (
	BlobUnknown         = "BLOB_UNKNOWN"
	BlobUploadInvalid   = "BLOB_UPLOAD_INVALID" // bytes out of order
	BlobUploadUnknown   = "BLOB_UPLOAD_UNKNOWN"
	DigestInvalid       = "DIGEST_INVALID"
	ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN"
	ManifestInvalid     = "MANIFEST_INVALID"
	ManifestUnknown     = "MANIFEST_UNKNOWN"
	NameInvalid         = "NAME_INVALID"
	NameUnknown         = "NAME_UNKNOWN"
	SizeInvalid         = "SIZE_INVALID"
	Unauthorized        = "UNAUTHORIZED"
	Denied              = "DENIED"
	Unsupported         = "UNSUPPORTED"
	TooManyRequests     = "TOOMANYREQUESTS"
)

// Refusal is a Registry's no: what was asked for isn't there, or mustn't be
// done. Any other error of it is this machine's fault.
type Refusal struct {
	Code   string
	Reason string // for people
}

func (r *Refusal) Error() string { return r.Reason }

func refuse(code, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}

func errReadOnly() error { return refuse(Unsupported, "this registry can only be read") }
