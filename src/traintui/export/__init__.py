"""Writers of training files: one pure function per format, and the export that records itself."""
