// Where drizzle-kit finds the tables and writes the migrations: `drizzle-kit generate --name WHAT`.
import { defineConfig } from 'drizzle-kit'

export default defineConfig({ dialect: 'postgresql', schema: './src/store/schema.ts', out: './migrations' })
