import next from "eslint-config-next/core-web-vitals";
import typescript from "eslint-config-next/typescript";

const config = [
  { ignores: ["node_modules/", ".next/", "out/", "dist/", "lib/schema.d.ts", "next-env.d.ts"] },
  ...next,
  ...typescript,
  {
    rules: {
      // Untrusted text is everywhere here: branch names, commit subjects, logs, answers of services.
      "react/no-danger": "error",
      "react/jsx-no-target-blank": "error",
      "@typescript-eslint/no-explicit-any": "error",
    },
  },
];

export default config;
