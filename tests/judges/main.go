// Judges a Retally board with Go's own transparency-log code: golang.org/x/mod/sumdb/note and .../tlog.
//
//	judges BOARD-FOLDER BOARD-KEY [WITNESS-KEY ...]
//
// It opens every checkpoint in the folder, checks the board's signature and every witness's cosignature, reads all
// entries through tiles that are checked against the newest checkpoint, and proves the others consistent with it. It
// prints one line of JSON and ends with 1 at the first thing that is wrong.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A witness of C2SP tlog-cosignature: its signatures are a time and an Ed25519 signature over time and text.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	text := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig)) + string(msg)
	return ed25519.Verify(w.key, []byte(text), sig[8:])
}

func newWitness(vkey string) (witness, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return witness{}, fmt.Errorf("malformed witness key %q", vkey)
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 {
		return witness{}, fmt.Errorf("malformed witness key %q", vkey)
	}
	digest := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	if fmt.Sprintf("%x", digest[:4]) != parts[1] {
		return witness{}, fmt.Errorf("key id of %q is not the one of its key", vkey)
	}
	return witness{parts[0], binary.BigEndian.Uint32(digest[:4]), raw[1:]}, nil
}

// The board's tiles, in the layout of C2SP tlog-tiles.
type tiles struct{ folder string }

func (t tiles) Height() int                             { return 8 }
func (t tiles) SaveTiles(tiles []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		raw, err := t.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1), tile.W, 32)
		if err != nil {
			return nil, err
		}
		found[i] = raw
	}
	return found, nil
}

func (t tiles) read(path string, width, size int) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(t.folder, path))
	if os.IsNotExist(err) && width < 256 {
		full, _, _ := strings.Cut(path, ".p/")
		if raw, err = os.ReadFile(filepath.Join(t.folder, full)); err == nil && size > 0 {
			raw = raw[:width*size]
		}
	}
	return raw, err
}

func (t tiles) entries(size int64, meet func(int64, []byte) error) error {
	for first := int64(0); first < size; first += 256 {
		width := int(min(256, size-first))
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: width}
		path := strings.Replace(strings.Replace(tile.Path(), "tile/8/", "tile/", 1), "tile/data/", "tile/entries/", 1)
		raw, err := t.read(path, width, 0)
		if err != nil {
			return err
		}
		for i := 0; i < width; i++ {
			if len(raw) < 2 || len(raw)-2 < int(binary.BigEndian.Uint16(raw)) {
				return fmt.Errorf("%s: entry %d is cut off", path, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(raw))
			if err := meet(first+int64(i), raw[2:end]); err != nil {
				return err
			}
			raw = raw[end:]
		}
	}
	return nil
}

type verdict struct {
	Size         int64          `json:"size"`
	Cosignatures map[string]int `json:"cosignatures"`
}

func judge(folder, boardKey string, witnessKeys []string) (*verdict, error) {
	board, err := note.NewVerifier(boardKey)
	if err != nil {
		return nil, err
	}
	known := []note.Verifier{board}
	for _, vkey := range witnessKeys {
		w, err := newWitness(vkey)
		if err != nil {
			return nil, err
		}
		known = append(known, w)
	}
	heads, said := map[string]tlog.Tree{}, &verdict{Cosignatures: map[string]int{}}
	var newest tlog.Tree
	for _, name := range []string{"checkpoint", "checkpoint.pending", "checkpoint.opening", "checkpoint.closing"} {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if os.IsNotExist(err) && name != "checkpoint" {
			continue
		}
		if err != nil {
			return nil, err
		}
		opened, err := note.Open(raw, note.VerifierList(known...))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		signed := false
		for _, sig := range opened.Sigs {
			signed = signed || sig.Name == board.Name() && sig.Hash == board.KeyHash()
		}
		if !signed {
			return nil, fmt.Errorf("%s is not signed by the board", name)
		}
		lines := strings.SplitN(opened.Text, "\n", 4)
		if len(lines) != 4 || lines[0] != board.Name() || lines[3] != "" {
			return nil, fmt.Errorf("%s is no checkpoint of %s", name, board.Name())
		}
		var tree tlog.Tree
		if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil {
			return nil, err
		}
		if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
			return nil, err
		}
		heads[name], said.Cosignatures[name] = tree, len(opened.Sigs)-1
		if tree.N > newest.N {
			newest = tree
		}
	}
	said.Size = newest.N
	hashes := tlog.TileHashReader(newest, tiles{folder})
	root, err := tlog.TreeHash(newest.N, hashes)
	if err != nil || root != newest.Hash {
		return nil, fmt.Errorf("the tiles do not hash to the newest checkpoint: %v", err)
	}
	for name, tree := range heads {
		proof, err := tlog.ProveTree(newest.N, tree.N, hashes)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckTree(proof, newest.N, newest.Hash, tree.N, tree.Hash); err != nil {
			return nil, fmt.Errorf("%s is not consistent with the newest checkpoint: %w", name, err)
		}
	}
	return said, tiles{folder}.entries(newest.N, func(index int64, entry []byte) error {
		proof, err := tlog.ProveRecord(newest.N, index, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, newest.N, newest.Hash, index, tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d is not in the tree: %w", index, err)
		}
		return nil
	})
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: judges BOARD-FOLDER BOARD-KEY [WITNESS-KEY ...]")
		os.Exit(3)
	}
	said, err := judge(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var out bytes.Buffer
	_ = json.NewEncoder(&out).Encode(said)
	fmt.Print(out.String())
}
