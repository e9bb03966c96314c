package images

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestReadingAheadChangesNothing(t *testing.T) {
	want := noise(3_000_000)
	broken := errors.New("the line is broken")
	for name, source := range map[string]func() io.Reader{
		"in large pieces":         func() io.Reader { return bytes.NewReader([]byte(want)) },
		"in small ones":           func() io.Reader { return iotest.OneByteReader(bytes.NewReader([]byte(want[:5000]))) },
		"the end with the last":   func() io.Reader { return iotest.DataErrReader(bytes.NewReader([]byte(want))) },
		"an error behind the end": func() io.Reader { return io.MultiReader(bytes.NewReader([]byte(want)), iotest.ErrReader(broken)) },
		"nothing":                 func() io.Reader { return bytes.NewReader(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			wantBytes, wantErr := io.ReadAll(source())
			rest := readAhead(source())
			defer rest.stop()
			got, err := io.ReadAll(rest)
			require.Equal(t, wantErr, err)
			require.True(t, bytes.Equal(wantBytes, got))
			_, err = rest.Read(make([]byte, 1))
			require.Error(t, err, "the end stays the end")
		})
	}
}

func TestReadingAheadGoesNoFurtherThanItsPiecesAndCanBeStopped(t *testing.T) {
	source := &hashing{src: zeros{}, hash: newHashing(nil).hash}
	rest := readAhead(source)
	_, err := io.ReadFull(rest, make([]byte, 100))
	require.NoError(t, err)
	rest.stop()
	require.LessOrEqual(t, source.n, int64((aheadPieces+1)*aheadPiece))
}
