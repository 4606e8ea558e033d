// Texts as lists and trees show them: of the ground, as the store cuts them too.
export * from '../../src/preview.ts'
