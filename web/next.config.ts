import type { NextConfig } from "next";

// A static export: the server embeds the files and serves them itself, so there is no Node at run time.
const config: NextConfig = {
  output: "export",
  distDir: ".next",
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
  // The workspace root is this directory, whatever lock files lie above it.
  turbopack: { root: import.meta.dirname },
};

export default config;
