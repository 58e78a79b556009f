// Checks what the exchange's log publishes with golang.org/x/mod/sumdb, the implementation that Go's checksum database
// is checked with: a log of the same kind, written by others.
//
//	oracle check   reads a case in JSON on standard input, prints what does not hold, and fails if there is anything
//	oracle sign    reads {"name", "text"}, prints {"vkey", "note"}: the text signed by a new key of that name
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A testCase is a published tree with proofs in it. Hashes and leaves are in base64; tiles are named by their paths.
type testCase struct {
	Keys        []string
	Note        string
	Tiles       map[string][]byte
	Inclusion   []inclusion
	Consistency []consistency
}

type inclusion struct {
	Index int64
	Leaf  []byte
	Path  tlog.RecordProof
}

type consistency struct {
	Size int64
	Root tlog.Hash
	Path tlog.TreeProof
}

func main() {
	var err error
	switch strings.Join(os.Args[1:], " ") {
	case "check":
		err = check()
	case "sign":
		err = sign()
	default:
		err = errors.New("usage: oracle check|sign")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check() error {
	var c testCase
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return fmt.Errorf("case: %v", err)
	}
	tree, err := open(c)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, tiles(c.Tiles))
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		return fmt.Errorf("root from tiles: %v is not %v: %v", root, tree.Hash, err)
	}
	for _, proof := range c.Inclusion {
		if err := checkInclusion(tree, hashes, proof); err != nil {
			return fmt.Errorf("inclusion of %d: %v", proof.Index, err)
		}
	}
	for _, proof := range c.Consistency {
		if err := checkConsistency(tree, hashes, proof); err != nil {
			return fmt.Errorf("consistency with %d: %v", proof.Size, err)
		}
	}
	return nil
}

// open gives the tree that a checkpoint is of, signed by all of the keys that this implementation knows the algorithm of.
func open(c testCase) (tree tlog.Tree, err error) {
	var verifiers []note.Verifier
	for _, key := range c.Keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return tree, fmt.Errorf("key: %v", err)
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifiers...))
	if err != nil {
		return tree, fmt.Errorf("note: %v", err)
	}
	if len(opened.Sigs) != len(c.Keys) {
		return tree, fmt.Errorf("note: %d of %d keys signed it", len(opened.Sigs), len(c.Keys))
	}
	// The checksum database has one origin, which its parser insists on.
	_, rest, _ := strings.Cut(opened.Text, "\n")
	tree, err = tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return tree, fmt.Errorf("checkpoint: %v", err)
	}
	return tree, nil
}

func checkInclusion(tree tlog.Tree, hashes tlog.HashReader, proof inclusion) error {
	if err := tlog.CheckRecord(proof.Path, tree.N, tree.Hash, proof.Index, tlog.RecordHash(proof.Leaf)); err != nil {
		return err
	}
	own, err := tlog.ProveRecord(tree.N, proof.Index, hashes)
	if err != nil {
		return err
	}
	if fmt.Sprint(own) != fmt.Sprint(proof.Path) {
		return fmt.Errorf("%v, where it proves %v", proof.Path, own)
	}
	return nil
}

func checkConsistency(tree tlog.Tree, hashes tlog.HashReader, proof consistency) error {
	if err := tlog.CheckTree(proof.Path, tree.N, tree.Hash, proof.Size, proof.Root); err != nil {
		return err
	}
	own, err := tlog.ProveTree(tree.N, proof.Size, hashes)
	if err != nil {
		return err
	}
	if fmt.Sprint(own) != fmt.Sprint(proof.Path) {
		return fmt.Errorf("%v, where it proves %v", proof.Path, own)
	}
	return nil
}

// tiles are named as C2SP tlog-tiles names them: without the height, which is always 8.
type tiles map[string][]byte

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, ok := t[path]
		if !ok {
			return nil, fmt.Errorf("%s is missing", path)
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path, len(data))
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func sign() error {
	var asked struct{ Name, Text string }
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	secret, vkey, err := note.GenerateKey(rand.Reader, asked.Name)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: asked.Text}, signer)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]string{"vkey": vkey, "note": string(signed)})
}
