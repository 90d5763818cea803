process.exitCode = 0; // replaced by the real generator in the next slices
