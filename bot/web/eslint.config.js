// Strict, type-checked rules for the pages; markup is never made from text.
import tseslint from "typescript-eslint";

const markup = "Build elements with el(); text must never become markup.";

export default tseslint.config(
  { ignores: ["**/dist/**", "**/static/**", "**/*.mjs"] },
  {
    files: ["**/page/**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      eqeqeq: "error",
      "no-eval": "error",
      "no-console": "error",
      "no-restricted-properties": ["error",
        { property: "innerHTML", message: markup }, { property: "outerHTML", message: markup },
        { property: "insertAdjacentHTML", message: markup }, { object: "document", property: "write", message: markup }],
    },
  },
);
