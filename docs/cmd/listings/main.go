// Listings fills every listing of the book from the source that it names. Run
// it from the repository's root: go run ./docs/cmd/listings
package main

import (
	"fmt"
	"os"

	"cooper/docs"
)

func main() {
	if err := fill("."); err != nil {
		fmt.Fprintln(os.Stderr, "listings:", err)
		os.Exit(1)
	}
}

// fill rewrites the pages that differ. A page whose listings can't all be
// found is left as it is, and the others are filled all the same.
func fill(root string) error {
	pages, err := docs.Pages(root)
	if err != nil {
		return err
	}
	failed := 0
	for _, path := range pages {
		changed, err := docs.FillFile(root, path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			failed++
		}
		if changed {
			fmt.Println("filled", path)
		}
	}
	if failed > 0 {
		return fmt.Errorf("fill the book: %d pages name what isn't there", failed)
	}
	return nil
}
